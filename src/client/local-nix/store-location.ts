/** Where the files of a store are. */
export interface StoreLocation {
  /** As in the names of its paths: `/nix/store`. */
  readonly storeDir: string;
  /** Where that is on this machine's disk; undefined where only Nix can say. */
  readonly directory: string | undefined;
}

/**
 * Where the store that `--store` or NIX_REMOTE names keeps its files
 * (libstore/local-fs-store.hh: `real`, or else the store directory below `root`).
 */
export function findStore(
  storeUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): StoreLocation {
  const storeDir = withoutFinalSlash(env["NIX_STORE_DIR"] ?? env["NIX_STORE"] ?? "/nix/store");
  const url = storeUrl ?? env["NIX_REMOTE"] ?? "";
  if (url.startsWith("/")) return { storeDir, directory: withoutFinalSlash(url) + storeDir };
  const [name = "", query = ""] = url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const logical = withoutFinalSlash(parameters.get("store") ?? storeDir);
  const local = /^(?:|auto|daemon|local|unix:\/\/.*|local:\/\/(.*))$/.exec(name);
  if (local === null) return { storeDir: logical, directory: undefined };
  const root = parameters.get("root") ?? local[1] ?? "";
  const directory = parameters.get("real") ?? withoutFinalSlash(root) + logical;
  return { storeDir: logical, directory: withoutFinalSlash(directory) };
}

function withoutFinalSlash(text: string): string {
  return text.replace(/\/+$/, "");
}
