/**
 * `npm run build [FOLDER]`: builds the npm package of the `nargate` command. The
 * default folder is dist/. The command is one file without dependencies, so
 * `npx nargate` downloads neither the dependencies of the worker nor the Node that
 * this repository installs.
 */
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { readNotices } from "./read-notices.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Manifest {
  readonly version: string;
  readonly license: string;
}

async function bundleCommand(outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/cli/nargate.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    // The command needs Node 22.15. The older syntax lets an older Node start the
    // command, which then says so.
    target: "node18",
    metafile: true,
    logLevel: "warning",
  });
  return metafile;
}

async function buildCommand(directory: string): Promise<void> {
  const manifest: unknown = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8"));
  const { version, license } = manifest as Manifest;
  await mkdir(directory, { recursive: true });
  const metafile = await bundleCommand(path.join(directory, "nargate.js"));
  await writeFile(path.join(directory, "LICENSES.txt"), await readNotices(metafile));
  await cp(path.join(ROOT, "LICENSE"), path.join(directory, "LICENSE"));
  await cp(path.join(ROOT, "docs/nargate.md"), path.join(directory, "README.md"));
  const published = {
    name: "nargate",
    version,
    description: "Pushes to and looks after a Nix binary cache behind Nargate.",
    license,
    repository: { type: "git", url: "git+https://github.com/nargate/nargate.git" },
    type: "module",
    bin: { nargate: "nargate.js" },
    engines: { node: ">=22.15" },
  };
  await writeFile(path.join(directory, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
}

await buildCommand(path.resolve(process.argv[2] ?? path.join(ROOT, "dist")));
