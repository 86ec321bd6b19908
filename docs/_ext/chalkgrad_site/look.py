"""The colours of the site: those of the pictures, as variables of the theme."""

from __future__ import annotations

from autograd.diagram.theme import DARK, LIGHT, Theme


def _variables(t: Theme) -> dict[str, str]:
    return {
        "color-background-primary": t.background,
        "color-background-secondary": t.cluster,
        "color-background-border": t.line,
        "color-foreground-primary": t.ink,
        "color-foreground-secondary": t.muted,
        "color-foreground-muted": t.muted,
        "color-foreground-border": t.border["operation"],
        "color-brand-primary": t.positive,
        "color-brand-content": t.positive,
        "color-brand-visited": t.backward,
        "color-link--visited": t.backward,
        "color-api-name": t.positive,
        "color-api-pre-name": t.muted,
        "color-api-keyword": t.muted,
        "color-api-paren": t.muted,
        "color-value": t.positive,
        "color-slope": t.negative,
        "color-code-background": t.soft,
        "color-code-foreground": t.ink,
        "font-stack": "Helvetica, Arial, 'Liberation Sans', Arimo, 'DejaVu Sans', sans-serif",
    }


THEME_OPTIONS = {
    "light_css_variables": _variables(LIGHT),
    "dark_css_variables": _variables(DARK),
}
