import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatFileNar } from "../../src/client/local-nix/format-file-nar.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Creates a store and the programs of Nix for it. It has 100 small paths, and the last path refers to all others. */
export async function createFakeStore() {
  const root = await temporaryDirectory();
  const store = join(root, "nix/store");
  const bin = join(root, "bin");
  await mkdir(store, { recursive: true });
  await mkdir(bin);
  const names = Array.from({ length: 100 }, (_, index) => {
    const digit = "abcdfghijklmnpqrsvwxyz".charAt(index % 20);
    return `${String(index).padStart(3, "0")}${digit.repeat(29)}-p${index}`;
  });
  const infos: Record<string, object> = {};
  for (const [index, name] of names.entries()) {
    await writeFile(join(store, name), name);
    const nar = formatFileNar(name);
    const digest = createHash("sha256").update(nar).digest("base64");
    infos[`/nix/store/${name}`] = {
      narHash: `sha256-${digest}`,
      narSize: nar.byteLength,
      references: index === 99 ? names.slice(0, 99).map((other) => `/nix/store/${other}`) : [],
    };
  }
  await writeFile(join(root, "infos.json"), JSON.stringify(infos));
  for (const [program, script] of [
    ["nix", `cat ${join(root, "infos.json")}`],
    ["nix-store", "true"],
  ] as const) {
    await writeFile(join(bin, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const env = {
    NARGATE_TOKEN: "secret",
    PATH: `${bin}:${process.env["PATH"]}`,
    NIX_REMOTE: `local?root=${root}`,
  };
  return { env, cwd: root, top: `/nix/store/${names[99]}` };
}
