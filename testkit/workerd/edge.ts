import type { ReadSettings } from "../../src/settings/read-settings.ts";
import { createEdgeKeys, type EdgeKeys } from "../../src/worker/edge/edge-key.ts";
import type { EdgeContext, Origin } from "../../src/worker/edge/edge.ts";
import { CACHE_CONTROL } from "../../src/http/cache-control.ts";
import { keyOf } from "./b2.ts";

export const NARINFO = keyOf("narinfo", "w9yy7v61ipb5rx6i35zq1mvc2iqfmps1.narinfo");
export const NAR = keyOf("nar", "nar/15zk4zszw9lgkdkkwy7w11m5vag11n5dhv2i6hj308qpxczvdddx.nar.xz");

export const READS: ReadSettings = {
  bucket: {
    endpoint: "https://s3.us-east-005.backblazeb2.com",
    region: "us-east-005",
    bucket: "ai-dev-env",
    prefix: "nix/cache/",
    keyId: "key-id",
    applicationKey: "application-key",
  },
  storeDir: "/nix/store",
  priority: 41,
  edge: "cache-api",
  edgeEpoch: "0",
  isPrivate: false,
  absent: "bucket",
  bucketDown: "fail",
  logs: "faults",
  publicKeys: [],
  hosts: [],
};

/** Keys that no other test has: the Cache API is one for all of them. */
export function createOwnKeys(): EdgeKeys {
  return createEdgeKeys({ ...READS, edgeEpoch: crypto.randomUUID() });
}

export interface TestContext extends EdgeContext {
  /** Waits for what goes on after the answers. */
  settle(): Promise<void>;
}

export function createContext(objects?: EdgeContext["objects"]): TestContext {
  const pending: Promise<unknown>[] = [];
  return {
    objects,
    waitUntil: (promise) => void pending.push(promise),
    async settle() {
      await Promise.all(pending.splice(0));
    },
  };
}

export type MadeAnswer = () => Response;

/** Gives these answers, one after another, and the last for ever. */
export function createOrigin(...answers: readonly MadeAnswer[]) {
  const asked: { readonly path: string; readonly range: unknown }[] = [];
  const origin: Origin = async (key, range) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push({ path: key.path, range });
    if (answer === undefined) throw new Error("the origin has no answer");
    return { response: answer() };
  };
  return { asked, origin };
}

/** As the origin answers for a NAR, or for a narinfo under another `cacheControl`. */
export function found(
  text: string,
  { cacheControl = CACHE_CONTROL.nar as string, ...others }: Record<string, string> = {},
): () => Response {
  return () =>
    new Response(streamOf(text), {
      headers: {
        "cache-control": cacheControl,
        "content-length": String(text.length),
        "content-type": "application/x-nix-nar",
        etag: '"tag"',
        ...others,
      },
    });
}

/**
 * Not a stream of the platform's own over memory: workerd never ends the filling
 * of a cache from one branch of such, as it does from one of a fetched body.
 */
function streamOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

export function notFound(cacheControl: string = CACHE_CONTROL.absentNarinfo): () => Response {
  return () => new Response(null, { status: 404, headers: { "cache-control": cacheControl } });
}

/** The text of a body, whatever its type says. */
export async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}
