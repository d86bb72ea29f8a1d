import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

export interface FakeNixOptions {
  readonly user?: string;
  readonly groups?: readonly string[];
  /** The settings in the system's nix.conf, by Nix's names. */
  readonly system?: Readonly<Record<string, unknown>>;
  /** The settings that this user's own nix.conf adds or changes. */
  readonly own?: Readonly<Record<string, unknown>>;
  /** The output of `nix store info --json`. Undefined for a Nix before 2.19, which lacks the command. */
  readonly store?: { readonly url: string; readonly trusted?: boolean | 0 | 1 };
  /** Whether this is a Nix before 2.20, where `nix config show` is `nix show-config`. */
  readonly isOld?: boolean;
}

const SETTINGS = {
  substituters: ["https://cache.nixos.org/"],
  "trusted-public-keys": [],
  "trusted-users": ["root"],
  "netrc-file": "/etc/nix/netrc",
};

/** Creates programs `nix` and `id` that answer by the options. Returns the PATH for them. */
export async function createFakeNix(
  directory: string,
  { user = "alice", groups = [user], system = {}, own = {}, store, isOld = false }: FakeNixOptions,
): Promise<string> {
  const bin = path.join(directory, "bin");
  await mkdir(bin);
  const systemFile = path.join(directory, "system.json");
  const ownFile = path.join(directory, "own.json");
  const storeFile = path.join(directory, "store.json");
  await writeFile(systemFile, formatSettings({ ...SETTINGS, ...system }));
  await writeFile(ownFile, formatSettings({ ...SETTINGS, ...system, ...own }));
  await writeFile(storeFile, JSON.stringify(store ?? {}));
  const script = `#!/bin/sh
case "$*" in
  "${isOld ? "show-config" : "config show"} --json")
    if [ "$NIX_USER_CONF_FILES" = /dev/null ]; then cat ${systemFile}; else cat ${ownFile}; fi ;;
  "store info --json") ${store === undefined ? "false" : `cat ${storeFile}`} ;;
  *) echo "error: '$1' is not a recognised command" >&2; exit 1 ;;
esac
`;
  await writeFile(path.join(bin, "nix"), script, { mode: 0o755 });
  const id = `#!/bin/sh\ncase "$1" in -un) echo ${user} ;; -Gn) echo ${groups.join(" ")} ;; esac\n`;
  await writeFile(path.join(bin, "id"), id, { mode: 0o755 });
  return `${bin}:/usr/bin:/bin`;
}

function formatSettings(settings: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(settings).map(([name, value]) => [name, { value }]);
  return JSON.stringify(Object.fromEntries(entries));
}
