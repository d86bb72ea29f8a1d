#!/usr/bin/env node
/** The entry point of the `nargate` command. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15) || (major === 23 && minor < 8)) {
  // Older versions of Node lack zstd. This check comes before all imports, because an import would
  // fail with a stack trace.
  process.stderr.write(
    `nargate: this is Node ${process.versions.node}, but nargate needs Node 22.15 or later\n`,
  );
  process.exitCode = 2;
} else {
  // `npm run` starts in the folder of the project. The user's paths are relative to INIT_CWD, where
  // npm was called.
  const { INIT_CWD, npm_lifecycle_event: script } = process.env;
  if (script === "nargate" && INIT_CWD !== undefined) process.chdir(INIT_CWD);
  const { adoptNetworkSettings } = await import("../client/network-settings.ts");
  const code = await adoptNetworkSettings(process.env);
  if (code === undefined) {
    const { runProcess } = await import("./program.ts");
    await runProcess();
  } else process.exitCode = code;
}
