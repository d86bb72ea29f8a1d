import { failureBodySchema } from "../../api/failure-body.ts";
import { FAILURES, isFailureCode } from "../../api/failures/failures.ts";
import { readShape } from "../../api/read-shape.ts";
import { type Narinfo, parseNarinfo } from "../../nix/narinfo.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import { isBotChallenge } from "./bot-challenge.ts";
import { bytesBody, type HttpAnswer, type HttpClient, type HttpRequest } from "./http-client.ts";

/** A request of the cache itself; `target` is relative to it, as a narinfo's URL is. */
export interface CacheRequest extends Omit<HttpRequest, "url"> {
  readonly target: string;
}

/** The cache as its user's token sees it. */
export interface CacheClient {
  /** Without a final slash. */
  readonly url: string;
  /** Whatever the final answer is. */
  send(request: CacheRequest): Promise<HttpAnswer>;
  /** A call of `/api/v1/…` with a JSON answer. Throws `CacheRefusal` for any other than 2xx. */
  call(method: "GET" | "POST", target: string, input?: unknown): Promise<unknown>;
  /** The same with an answer of JSON lines, one by one. */
  callForLines(target: string, input: unknown, onLine: (line: unknown) => void): Promise<void>;
  /** Undefined where the cache does not have it. */
  readNarinfo(hash: StorePathHash, storeDir: string): Promise<NarinfoText | undefined>;
}

export interface NarinfoText {
  readonly text: string;
  readonly narinfo: Narinfo;
}

/** The cache, or what stands before it, said no. Its message is one line for a person. */
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

/** `token` is asked for before each request, since one may expire while the command runs. */
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

  return {
    url,
    send: async (request) => await http.send(await prepare(request)),

    async call(method, target, input) {
      const answer = await http.send(await prepare(apiRequest(method, target, input)));
      if (answer.status < 200 || answer.status > 299) throw refusalOf(target, answer);
      return answer.body.length === 0 ? undefined : parseJson(target, answer.body.toString());
    },

    async callForLines(target, input, onLine) {
      const request = await prepare(apiRequest("POST", target, input));
      const answer = await http.sendForLines(request, (line) => onLine(parseJson(target, line)));
      if (answer.status !== 200) throw refusalOf(target, answer);
    },

    async readNarinfo(hash, storeDir) {
      const target = `${hash}.narinfo`;
      const answer = await http.send(await prepare({ method: "GET", target }));
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusalOf(target, answer);
      const text = answer.body.toString();
      const narinfo = parseNarinfo(text, storeDir);
      if (!narinfo.ok)
        throw new ClientError(`${target} of the cache is malformed: ${narinfo.error}`);
      return { text, narinfo: narinfo.value };
    },
  };
}

function apiRequest(method: "GET" | "POST", target: string, input?: unknown): CacheRequest {
  if (input === undefined) return { method, target };
  const body = bytesBody(new TextEncoder().encode(JSON.stringify(input)));
  return { method, target, headers: { "content-type": "application/json" }, body };
}

/** What an answer that is no success says, as one line. */
export function refusalOf(what: string, { status, headers, body }: HttpAnswer): CacheRefusal {
  if (isBotChallenge(status, headers)) {
    return new CacheRefusal(
      `${what}: ${status}, a bot challenge of Cloudflare, not the cache; see nargate doctor`,
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

/** What a server says goes to a terminal, which would obey an escape sequence. */
function toOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").slice(0, 1000);
}

/** Returns the failure that the API reports in an answer, or in the last line of a stream. */
export function readError(value: unknown): { code: string; message: string } | undefined {
  const body = readShape(failureBodySchema, value);
  if (!body.ok) return undefined;
  const { code, message } = body.value.error;
  const known = isFailureCode(code) ? FAILURES[code].message : code;
  return { code, message: message || known };
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
    throw new ClientError(`${target}: the answer is not JSON; is this a Nargate?`);
  }
}
