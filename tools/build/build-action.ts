/** `npm run build:action [FOLDER]`: makes the files that action.yml runs. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { readNotices } from "./read-notices.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

// Of these only what is used gets in: `@actions/core` has an HTTP client for OIDC
// tokens, which are asked for otherwise here, five times as large as all the rest.
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
    // One file with what both have in common, by a name that no change changes.
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
