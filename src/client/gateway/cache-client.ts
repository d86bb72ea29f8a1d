import { failureBodySchema } from "../../api/answers.ts";
import { FAILURES, isFailureCode } from "../../api/failures/failures.ts";
import { readShape } from "../../api/read-shape.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import { toOneLine } from "../plain-text.ts";
import { isBotChallenge } from "./cloudflare-answers.ts";
import { parseStoredNarinfo } from "./narinfo-text.ts";
import {
  textBody,
  type HttpAnswer,
  type HttpBody,
  type HttpClient,
  type HttpRequest,
} from "./http-client.ts";

/** A request to the cache. */
export interface CacheRequest extends Omit<HttpRequest, "url"> {
  /** Relative to the URL of the cache, like the URL field of a narinfo. */
  readonly target: string;
}

type OnSent = NonNullable<HttpRequest["onSent"]>;

/** Sends requests to one cache, each with the user's token if there is one. */
export interface CacheClient {
  /** Without a final slash. */
  readonly url: string;
  /** Resolves with the final answer, whatever its status is. */
  send(request: CacheRequest): Promise<HttpAnswer>;
  /**
   * Calls `/api/v1/…` and returns the JSON of the answer. Throws `CacheRefusal` if
   * the status is not 2xx.
   */
  call(method: "GET" | "POST", target: string, input?: unknown): Promise<unknown>;
  /** PUTs an object. Throws `CacheRefusal` if the status is not 2xx. */
  put(target: string, contentType: string, body: HttpBody, onSent?: OnSent): Promise<void>;
  /** Calls `/api/v1/…` and passes each JSON line of the answer to `onLine` as it arrives. */
  callForLines(target: string, input: unknown, onLine: (line: unknown) => void): Promise<void>;
  /** GETs `/api/v1/…` and passes each JSON line of the answer to `onLine` as it arrives. */
  getLines(target: string, onLine: (line: unknown) => void): Promise<void>;
  /** The same as `callForLines` with a request that has a JSON object on each line. */
  callWithLines(
    target: string,
    inputs: readonly unknown[],
    onLine: (line: unknown) => void,
  ): Promise<void>;
  /**
   * Returns undefined if the cache does not have the narinfo, and "unreadable" if it is
   * stored in a compression that only Nix can unpack. With `isFresh` the bucket answers,
   * not the edge; this needs a push token.
   */
  readNarinfo(hash: StorePathHash, storeDir: string, isFresh?: boolean): Promise<PublishedNarinfo>;
}

export type PublishedNarinfo = Narinfo | "unreadable" | undefined;

/**
 * The cache, or Cloudflare in front of it, refused a request. The message is one
 * line for people.
 */
export class CacheRefusal extends ClientError {
  readonly status: number;
  /** A code of `src/api/failures`, if the API gave one. */
  readonly code: string | undefined;

  constructor(message: string, status: number, code: string | undefined) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Creates a client. It calls `token` before each request, because a token may
 * expire while the command runs.
 */
export function createCacheClient(
  url: string,
  token: () => Promise<string | undefined>,
  http: HttpClient,
): CacheClient {
  async function prepare({ target, ...request }: CacheRequest): Promise<HttpRequest> {
    const credential = await token();
    return {
      ...request,
      url: `${url}/${target}`,
      headers: {
        "user-agent": "nargate",
        ...request.headers,
        ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
      },
    };
  }

  async function receiveLines(request: CacheRequest, onLine: (line: unknown) => void) {
    const { target } = request;
    const answer = await http.sendForLines(await prepare(request), (line) =>
      onLine(parseJson(target, line)),
    );
    if (answer.status !== 200) throw refusalOf(target, answer);
  }

  return {
    url,
    send: async (request) => await http.send(await prepare(request)),

    async put(target, contentType, body, onSent) {
      const headers = { "content-type": contentType };
      const progress = onSent === undefined ? {} : { onSent };
      const request = { method: "PUT", target, headers, body, ...progress } as const;
      const answer = await http.send(await prepare(request));
      if (!isSuccess(answer)) throw refusalOf(target, answer);
    },

    async call(method, target, input) {
      const answer = await http.send(await prepare(apiRequest(method, target, input)));
      if (!isSuccess(answer)) throw refusalOf(target, answer);
      return answer.body.length === 0 ? undefined : parseJson(target, answer.body.toString());
    },

    callForLines: (target, input, onLine) =>
      receiveLines(apiRequest("POST", target, input), onLine),

    getLines: (target, onLine) => receiveLines(apiRequest("GET", target), onLine),

    async callWithLines(target, inputs, onLine) {
      const text = inputs.map((input) => `${JSON.stringify(input)}\n`).join("");
      const headers = { "content-type": "application/x-ndjson" };
      const body = textBody(text);
      await receiveLines({ method: "POST", target, headers, body }, onLine);
    },

    async readNarinfo(hash, storeDir, isFresh = false) {
      const target = `${hash}.narinfo`;
      const headers = isFresh ? { "cache-control": "no-cache" } : {};
      const answer = await http.send(await prepare({ method: "GET", target, headers }));
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusalOf(target, answer);
      const narinfo = parseStoredNarinfo(answer.body, storeDir);
      if (!narinfo.ok)
        throw new ClientError(`the cache has a malformed ${target}: ${narinfo.error}`);
      return narinfo.value;
    },
  };
}

function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status <= 299;
}

function apiRequest(method: "GET" | "POST", target: string, input?: unknown): CacheRequest {
  if (input === undefined) return { method, target };
  const body = textBody(JSON.stringify(input));
  return { method, target, headers: { "content-type": "application/json" }, body };
}

/**
 * Returns the refusal that an answer without success means. `what` names the
 * request in the message.
 */
export function refusalOf(what: string, { status, headers, body }: HttpAnswer): CacheRefusal {
  if (isBotChallenge(status, headers)) {
    return new CacheRefusal(
      `${what}: ${status}, a bot challenge of Cloudflare: the request did not reach the cache. Run nargate doctor to see the remedy`,
      status,
      undefined,
    );
  }
  const text = body.toString().slice(0, 64 * 1024);
  const error = readApiError(text);
  const isHtml = (headers.get("content-type") ?? "").includes("html");
  const firstLine = isHtml ? "" : (text.split("\n")[0] ?? "").trim();
  const sentence = (error?.message ?? firstLine) || "no reason given";
  return new CacheRefusal(`${what}: ${status} ${toOneLine(sentence)}`, status, error?.code);
}

/** Returns the failure that the API reports in an answer, or in the last line of a stream. */
export function readError(value: unknown): { code: string; message: string } | undefined {
  const body = readShape(failureBodySchema, value);
  if (!body.ok) return undefined;
  const { code, message } = body.value.error;
  const known = isFailureCode(code) ? FAILURES[code].message : code;
  return { code, message: toOneLine(message || known) };
}

function readApiError(text: string) {
  try {
    return readError(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function parseJson(target: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ClientError(
      `${target}: the answer is not JSON. Check that the URL is the URL of a Nargate cache`,
    );
  }
}
