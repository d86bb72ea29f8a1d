import { missingAnswerSchema, publishedLineSchema } from "../../api/answers.ts";
import type { GatewayFacts } from "../../api/answers.ts";
import type { PublishLine } from "../../api/batches.ts";
import { ENDPOINTS } from "../../api/endpoints.ts";
import { FAILURES, isFailureCode } from "../../api/failures/failures.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { toOneLine } from "../plain-text.ts";
import { type CacheClient, CacheRefusal } from "./cache-client.ts";
import { notUnderstood, understandAnswer } from "./understand-answer.ts";

/** The end of one narinfo of a batch. */
export type NarinfoEnd =
  | { readonly hash: string; readonly refusal: undefined; readonly outcome: string }
  | { readonly hash: string; readonly refusal: CacheRefusal };

/** Calls the batches of a gateway. Throws each refusal of a whole request as a `CacheRefusal`. */
export interface BatchApi {
  /** The number of narinfos that one request of `publish` takes. */
  readonly narinfosAtOnce: number;
  /** Bytes of the largest NAR that may go with its narinfo. 0 for an older gateway. */
  readonly maxNarBytes: number;
  /** Returns the hashes whose narinfo the bucket does not have. */
  findMissing(hashes: readonly StorePathHash[]): Promise<ReadonlySet<string>>;
  /**
   * Publishes narinfos, and calls `onEnd` for each that is durable or refused. The gateway
   * may leave out some, which the caller sends again.
   */
  publish(lines: readonly PublishLine[], onEnd: (end: NarinfoEnd) => void): Promise<void>;
}

/** The gateway stops at its limit of bucket requests; several calls then go on at once. */
const CALLS_AT_ONCE = 6;

/** Returns the batches of a gateway. `undefined` for an older gateway, which has none. */
export function createBatchApi(
  client: CacheClient,
  { batches }: Pick<GatewayFacts, "batches">,
): BatchApi | undefined {
  if (batches === undefined) return undefined;

  async function askForMissing(paths: readonly string[]) {
    const answer = await client.call("POST", ENDPOINTS.missing, { paths });
    return understandAnswer(missingAnswerSchema, answer, ENDPOINTS.missing);
  }

  return {
    narinfosAtOnce: batches.narinfos,
    maxNarBytes: batches.narBytes ?? 0,

    async findMissing(hashes) {
      const missing = new Set<string>();
      let rest: readonly string[] = hashes.toSorted();
      let calls = 1;
      while (rest.length > 0) {
        const size = Math.min(batches.hashes, Math.ceil(rest.length / calls));
        const answers = await Promise.all(inChunks(rest, size).map(askForMissing));
        for (const answer of answers) for (const hash of answer.missing) missing.add(hash);
        const left = answers.flatMap((answer) => answer.rest);
        if (left.length >= rest.length) {
          throw notUnderstood(ENDPOINTS.missing, "it answers for none of the paths");
        }
        rest = left;
        calls = CALLS_AT_ONCE;
      }
      return missing;
    },

    publish: (lines, onEnd) =>
      client.callWithLines(ENDPOINTS.publish, lines, (line) => {
        const value = understandAnswer(publishedLineSchema, line, ENDPOINTS.publish);
        if ("error" in value) {
          onEnd({ hash: value.path, refusal: refusalOfLine(value.path, value.error) });
        } else if ("outcome" in value) {
          onEnd({ hash: value.path, refusal: undefined, outcome: value.outcome });
        }
      }),
  };
}

/**
 * Whether the gateway that answered has no batches. In the minutes of a deployment, requests
 * of one push may meet both versions.
 */
export function isWithoutBatches(error: unknown): boolean {
  return error instanceof CacheRefusal && (error.status === 404 || error.status === 405);
}

/** Returns the refusal that a PUT of this narinfo would have had. */
function refusalOfLine(
  hash: string,
  { code, message }: { readonly code: string; readonly message: string },
): CacheRefusal {
  const status = isFailureCode(code) ? FAILURES[code].status : 400;
  return new CacheRefusal(`${hash}.narinfo: ${status} ${toOneLine(message)}`, status, code);
}

function inChunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
