// Compile a folder of Python with the Python of the page, so that the page need not: node compile.mjs PYODIDE FOLDER
import { pathToFileURL } from "node:url";

const [runtime, folder] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${runtime}/pyodide.mjs`));
const pyodide = await loadPyodide({ indexURL: `${runtime}/` });
pyodide.mountNodeFS("/library", folder);
const compiled = pyodide.runPython(`
import compileall, py_compile
compileall.compile_dir("/library", quiet=1, stripdir="/library", prependdir="/lib/chalkgrad",
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
`);
if (!compiled) throw new Error("a file of the library could not be compiled");
