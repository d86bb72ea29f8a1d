import { readElement } from "../../http/s3-xml.ts";
import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { ClientError } from "../client-error.ts";
import { createHttpClient, type HttpAnswer, type HttpRetries } from "../gateway/http-client.ts";
import { type Download, startDownload } from "../gateway/start-download.ts";
import { toOneLine } from "../plain-text.ts";
import type { ProcessContext } from "../process-context.ts";
import { type BucketEntry, parseListing } from "./parse-listing.ts";
import { parseUploads, type OpenUploadEntry } from "./parse-uploads.ts";
import { type BucketGet, createGetSigner } from "./sign-request.ts";

export interface BucketListOptions {
  /** The text with which each path must begin, such as `nar/`. Empty for all. */
  readonly start: string;
  /** Leave out the paths with a "/" behind `start`. */
  readonly isFlat?: boolean;
}

/** Reads one cache's part of a bucket, without the gateway. It never writes. */
export interface BucketReader {
  readonly location: BucketLocation;
  /** Lists page by page, in the order of the keys. Throws `ClientError`. */
  list(options: BucketListOptions): AsyncGenerator<readonly BucketEntry[], void>;
  /** Lists the unfinished uploads, page by page. Throws `ClientError`. */
  listUploads(): AsyncGenerator<readonly OpenUploadEntry[], void>;
  /** Returns the size of an object, or undefined if the bucket does not list it. */
  sizeOf(path: string): Promise<number | undefined>;
  /** Returns the whole object, or undefined if it does not exist. Throws if it is longer. */
  read(path: string, maxBytes: number): Promise<Buffer | undefined>;
  /** Starts to read an object of any length. Does not try again. */
  download(path: string): Promise<Download>;
}

/** B2 refuses single requests under load, so there are more attempts than for a gateway. */
const BUCKET_RETRIES: HttpRetries = { attempts: 8, idleMilliseconds: 30_000 };

// A page has at most 1,000 keys of at most 1,024 bytes. XML writes a few characters, such as
// "&", in up to six bytes. Nix writes none of them into names, so four times is enough.
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/** Pages in a row without a new key, after which a listing is taken for endless. */
const MAX_EMPTY_PAGES = 100;

/** A million unfinished uploads. More mean that the list does not end. */
const MAX_UPLOAD_PAGES = 1000;

export function createBucketReader(
  location: BucketLocation,
  context: ProcessContext,
  retries: HttpRetries = BUCKET_RETRIES,
): BucketReader {
  const http = createHttpClient(context, retries);
  const signGet = createGetSigner(location);
  const { prefix } = location;

  async function sign(request: BucketGet) {
    const { url, headers } = await signGet(request, context.now());
    // Not signed, because proxies change it.
    return { method: "GET", url, headers: { ...headers, "accept-encoding": "identity" } } as const;
  }

  async function get(request: BucketGet, maxAnswerBytes: number): Promise<HttpAnswer> {
    return await http.send({ ...(await sign(request)), maxAnswerBytes });
  }

  async function listPage(start: string, query: Readonly<Record<string, string>>) {
    const answer = await get(
      { key: "", query: { "list-type": "2", prefix: prefix + start, ...query } },
      MAX_PAGE_BYTES,
    );
    if (answer.status !== 200) throw refusalOfBucket("the listing", answer);
    const page = parseListing(answer.body.toString(), prefix, prefix + start);
    if (page.ok) return page.value;
    throw new ClientError(
      `the bucket's listing cannot be used: ${page.error}. Check B2_ENDPOINT and B2_BUCKET`,
    );
  }

  return {
    location,

    async *list({ start, isFlat = false }) {
      let last = "";
      let emptyPages = 0;
      let next: Readonly<Record<string, string>> = {};
      for (;;) {
        const page = await listPage(start, { ...(isFlat ? { delimiter: "/" } : {}), ...next });
        const { entries, continuation } = page;
        for (const { path } of entries) {
          if (!isBehind(path, last)) throw endless();
          last = path;
        }
        yield entries;
        if (continuation === undefined) return;
        emptyPages = entries.length === 0 ? emptyPages + 1 : 0;
        if (emptyPages > MAX_EMPTY_PAGES) throw endless();
        next = { "continuation-token": continuation };
      }
    },

    async *listUploads() {
      let next: Readonly<Record<string, string>> | undefined = {};
      for (let pages = 0; next !== undefined; pages++) {
        if (pages >= MAX_UPLOAD_PAGES) throw endless();
        const query: Readonly<Record<string, string>> = { uploads: "", prefix, ...next };
        const answer = await get({ key: "", query }, MAX_PAGE_BYTES);
        if (answer.status !== 200) throw refusalOfBucket("the list of unfinished uploads", answer);
        const page = parseUploads(answer.body.toString(), prefix);
        if (!page.ok) {
          throw new ClientError(`the bucket's list of uploads cannot be used: ${page.error}`);
        }
        yield page.value.uploads;
        next = page.value.next;
      }
    },

    async sizeOf(path) {
      const { entries } = await listPage(path, { "max-keys": "1" });
      return entries.find((entry) => entry.path === path)?.sizeBytes;
    },

    async read(path, maxBytes) {
      const answer = await get({ key: prefix + path }, maxBytes);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusalOfBucket(path, answer);
      return answer.body;
    },

    async download(path) {
      return await startDownload(await sign({ key: prefix + path }), context);
    },
  };
}

/** S3 orders keys by the bytes of their UTF-8. */
function isBehind(path: string, last: string): boolean {
  return Buffer.compare(Buffer.from(path), Buffer.from(last)) > 0;
}

function endless(): ClientError {
  return new ClientError(
    "the bucket's listing does not go on: a page repeats keys of an earlier page, or none has new keys",
  );
}

/** The bucket refused a request, or did not get well in time. */
export class BucketRefusal extends ClientError {}

/** Returns the error that an answer of the bucket without success means. */
function refusalOfBucket(what: string, { status, body }: HttpAnswer): BucketRefusal {
  const text = body.toString("utf8", 0, 64 * 1024);
  const reason = [readElement(text, "Code"), readElement(text, "Message")].filter(
    (part) => part !== undefined && part !== "",
  );
  const remedy = REMEDIES[status];
  return new BucketRefusal(
    toOneLine(
      `the bucket answered ${status} to ${what}${reason.length === 0 ? "" : ` (${reason.join(": ")})`}${remedy === undefined ? "" : `. ${remedy}`}`,
    ),
  );
}

const REMEDIES: Readonly<Record<number, string>> = {
  301: "Check B2_REGION and B2_ENDPOINT",
  400: "Check B2_REGION and B2_ENDPOINT",
  403: "Check B2_KEY_ID and B2_APPLICATION_KEY: the key needs listFiles and readFiles for B2_PREFIX. A used-up cap of the account has the same answer",
  404: "Check B2_BUCKET",
};
