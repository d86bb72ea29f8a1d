import { type Narinfo, parseNarinfo } from "../../src/nix/narinfo.ts";
import { parseStorePathHash, type StorePathHash } from "../../src/nix/store-path.ts";
import { ok, type Result } from "../../src/result.ts";
import { describeError } from "../../src/client/client-error.ts";
import { NotSeen } from "../../src/checks/check.ts";

/** The store path of the option `--path`. */
export interface StorePathArgument {
  readonly hash: StorePathHash;
  /** `undefined` if the option gives no directory. */
  readonly storeDir: string | undefined;
}

/** A cache, read from outside and without credentials. */
export interface Deployment {
  /** The URL of the cache, without a final slash. */
  readonly url: string;
  readonly path: StorePathArgument | undefined;
  readonly storeDir: string;
  /** Reads `target`, which is relative to `url`. Throws `NotSeen` if the cache does not answer. */
  read(target: string, init?: ReadOptions): Promise<Response>;
  /** Returns the narinfo of `path`. All checks share one read. */
  readNarinfo(): Promise<Narinfo>;
}

interface ReadOptions {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MILLISECONDS = 60_000;
const STORE_DIR = "/nix/store";

/** Parses `/nix/store/<hash>-<name>`, `<hash>-<name>` or `<hash>`. */
export function parseStorePathArgument(text: string): Result<StorePathArgument> {
  const slash = text.lastIndexOf("/");
  const [hashText = ""] = text.slice(slash + 1).split("-");
  const hash = parseStorePathHash(hashText);
  if (!hash.ok) return hash;
  return ok({ hash: hash.value, storeDir: slash <= 0 ? undefined : text.slice(0, slash) });
}

export function openDeployment(
  url: string,
  path: StorePathArgument | undefined,
  signal: AbortSignal,
): Deployment {
  const storeDir = path?.storeDir ?? STORE_DIR;
  const read: Deployment["read"] = async (target, { method = "GET", headers = {} } = {}) => {
    try {
      return await fetch(new URL(target, `${url}/`), {
        method,
        headers,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MILLISECONDS)]),
      });
    } catch (error) {
      throw new NotSeen(`no answer: ${describeError(error)}`);
    }
  };

  async function fetchNarinfo(): Promise<Narinfo> {
    const response = await read(`${path?.hash}.narinfo`);
    const text = await response.text();
    if (response.status !== 200)
      throw new NotSeen(`GET of the narinfo answered ${response.status}`);
    const narinfo = parseNarinfo(text, storeDir);
    if (!narinfo.ok) throw new NotSeen(`the narinfo is malformed: ${narinfo.error}`);
    return narinfo.value;
  }

  let narinfo: Promise<Narinfo> | undefined;
  return { url, path, storeDir, read, readNarinfo: () => (narinfo ??= fetchNarinfo()) };
}
