#!/usr/bin/env node
/** `nargate`: the command of this cache. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15) || (major === 23 && minor < 8)) {
  // Nothing else is loaded before this: these lack zstd, and would fail with a stack.
  process.stderr.write(`nargate: needs Node 22.15 or later; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  // `npm run` starts in the project's folder; paths are meant from where the person is.
  const { INIT_CWD, npm_lifecycle_event: script } = process.env;
  if (script === "nargate" && INIT_CWD !== undefined) process.chdir(INIT_CWD);
  const { runProcess } = await import("./program.ts");
  await runProcess();
}
