/** `npm run build:action [FOLDER]`: builds the files that action.yml runs. The default folder is action/. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { readNotices } from "./read-notices.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

// Bundle only the used parts of these packages. `@actions/core` contains an HTTP
// client for OIDC tokens that is five times as large as all the rest. The action
// does not use it: it requests its tokens itself.
const TRIMMED = /^(?:@actions\/(?:core|exec|http-client|io)|tunnel|undici)$/;

const WITHOUT_SIDE_EFFECTS: Plugin = {
  name: "without-side-effects",
  setup(builder) {
    builder.onResolve({ filter: TRIMMED }, async ({ path: name, pluginData, ...options }) => {
      if (pluginData === WITHOUT_SIDE_EFFECTS) return undefined;
      const found = await builder.resolve(name, { ...options, pluginData: WITHOUT_SIDE_EFFECTS });
      return { ...found, sideEffects: false };
    });
  },
};

async function buildAction(directory: string): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/action/main.ts", "src/action/post.ts"],
    outdir: directory,
    bundle: true,
    splitting: true,
    // The code that both entry points share goes into one file. Its name stays the
    // same when the code changes.
    chunkNames: "shared",
    platform: "node",
    format: "esm",
    target: "node24",
    charset: "utf8",
    metafile: true,
    logLevel: "warning",
    plugins: [WITHOUT_SIDE_EFFECTS],
  });
  await writeFile(path.join(directory, "LICENSES.txt"), await readNotices(metafile));
}

await buildAction(path.resolve(process.argv[2] ?? path.join(ROOT, "action")));
