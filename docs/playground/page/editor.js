// The editor: CodeMirror with Python, and a mark on the line of an error.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

const setMark = StateEffect.define();
const wrong = Decoration.line({ class: "wrong", attributes: { "aria-invalid": "true" } });
const marks = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setMark)) return effect.value;
    return value.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

export class Editor {
  constructor(parent, { run, changed }) {
    const nonce = document.querySelector("meta[name='style-nonce']").content;
    const running = { key: "Mod-Enter", run: () => { run(); return true; } };
    this.view = new EditorView({
      parent,
      extensions: [
        EditorView.cspNonce.of(nonce), lineNumbers(), highlightActiveLine(), history(), drawSelection(), indentOnInput(),
        bracketMatching(), indentUnit.of("    "), EditorState.tabSize.of(4), python(), syntaxHighlighting(classHighlighter), marks,
        Prec.highest(keymap.of([running])), keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": "Python program", tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        EditorView.updateListener.of((update) => update.docChanged && changed()),
      ],
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: 0 }, effects: setMark.of(Decoration.none) });
  }

  // Mark a line, counted from 1; null takes the mark away.
  mark(line) {
    const { doc } = this.view.state;
    const found = line >= 1 && line <= doc.lines ? Decoration.set([wrong.range(doc.line(line).from)]) : Decoration.none;
    this.view.dispatch({ effects: setMark.of(found) });
  }

  goTo(line) {
    const { doc } = this.view.state;
    const place = doc.line(Math.max(1, Math.min(line, doc.lines))).from;
    this.view.dispatch({ selection: { anchor: place }, effects: EditorView.scrollIntoView(place, { y: "center" }) });
    this.view.focus();
  }
}
