import * as v from "valibot";
import { readShape } from "../../src/api/read-shape.ts";
import { describeError } from "../../src/client/client-error.ts";
import { err, ok, type Result } from "../../src/result.ts";

/** The facts about an application key that B2 tells. */
export interface B2KeyFacts {
  readonly capabilities: readonly string[];
  /** Undefined if the key opens every bucket of the account. */
  readonly bucket: string | undefined;
  readonly namePrefix: string;
  /** The S3 endpoint of the account. */
  readonly endpoint: string;
}

const ANSWER = v.object({
  apiInfo: v.object({
    storageApi: v.object({
      capabilities: v.array(v.string()),
      bucketName: v.nullish(v.string()),
      namePrefix: v.nullish(v.string()),
      s3ApiUrl: v.string(),
    }),
  }),
});

const URL_OF_B2 = "https://api.backblazeb2.com/b2api/v3/b2_authorize_account";
const TIMEOUT_MILLISECONDS = 15_000;

/**
 * Asks B2 about a key by its native API, `b2_authorize_account` version 3. Only for
 * keys of B2: another provider's key must not be sent there. The error says why B2
 * gives no facts.
 */
export async function readB2KeyFacts(
  keyId: string,
  applicationKey: string,
  send: typeof fetch,
): Promise<Result<B2KeyFacts>> {
  try {
    const credentials = Buffer.from(`${keyId}:${applicationKey}`).toString("base64");
    const response = await send(URL_OF_B2, {
      headers: { authorization: `Basic ${credentials}` },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    if (response.status === 401)
      return err("B2 does not know this key ID with this application key");
    if (!response.ok) return err(`B2 answered ${response.status}`);
    const answer = readShape(ANSWER, await response.json());
    if (!answer.ok) return err(`B2 gave an unknown answer: ${answer.error}`);
    const { capabilities, bucketName, namePrefix, s3ApiUrl } = answer.value.apiInfo.storageApi;
    return ok({
      capabilities,
      bucket: bucketName ?? undefined,
      namePrefix: namePrefix ?? "",
      endpoint: s3ApiUrl,
    });
  } catch (error) {
    return err(`B2 cannot be asked: ${describeError(error)}`);
  }
}

/** Whether an endpoint is one of B2. */
export function isB2Endpoint(endpoint: string): boolean {
  return /^https:\/\/s3\.[\w-]+\.backblazeb2\.com$/.test(endpoint);
}
