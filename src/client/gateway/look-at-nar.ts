import type { Narinfo } from "../../nix/narinfo.ts";
import type { CacheClient } from "./cache-client.ts";

/** The state of the NAR file that a narinfo names. `elsewhere` means another server. */
export interface NarState {
  readonly verdict: "there" | "MISSING" | "WRONG SIZE" | "elsewhere" | "unknown";
  /** Bytes. Undefined if unknown. */
  readonly sizeBytes: number | undefined;
}

/** Asks for the NAR by HEAD, which the bucket answers and never the edge. */
export async function lookAtNar(
  { url, fileSize }: Narinfo,
  client: Pick<CacheClient, "send">,
): Promise<NarState> {
  if (/^[a-z][a-z\d+.-]*:/i.test(url)) return { verdict: "elsewhere", sizeBytes: undefined };
  const { status, headers } = await client.send({
    method: "HEAD",
    target: url,
    // Asks for the length of the stored bytes: a proxy could compress the answer.
    headers: { "accept-encoding": "identity" },
  });
  if (status === 404) return { verdict: "MISSING", sizeBytes: undefined };
  const length = headers.get("content-length");
  if (status !== 200 || length === null) return { verdict: "unknown", sizeBytes: undefined };
  const isWrong = fileSize !== undefined && Number(length) !== fileSize;
  return { verdict: isWrong ? "WRONG SIZE" : "there", sizeBytes: Number(length) };
}

/** Whether no client can use the path, because its NAR is not there or not whole. */
export function isBroken({ verdict }: NarState): boolean {
  return verdict === "MISSING" || verdict === "WRONG SIZE";
}
