import type { DirectUpload } from "../../ingest/direct-upload.ts";
import type { Push } from "../../ingest/ingest.ts";
import type { Exchange } from "../exchange.ts";

/** So many URLs are signed at once; a client asks for the next ones as it goes. */
export const MAX_SIGNED_PARTS = 100;

const URL_SECONDS = 3600;

export interface SignedParts {
  readonly urls: readonly { readonly number: number; readonly url: string }[];
  /** As ISO time. */
  readonly urlsExpire: string;
}

/** URLs by which the parts `numbers` may be PUT for an hour. */
export async function signParts(
  { incoming, uploadId }: DirectUpload,
  numbers: readonly number[],
  { bucket }: Push,
  { gateway }: Exchange,
): Promise<SignedParts> {
  // Taken before they are signed, so that none expires before it says.
  const urlsExpire = new Date(gateway.now().getTime() + URL_SECONDS * 1000).toISOString();
  const urls: { number: number; url: string }[] = [];
  if (uploadId === undefined) return { urls, urlsExpire };
  const upload = bucket.openUpload(incoming, uploadId);
  for (const number of numbers) {
    urls.push({ number, url: await upload.signPart(number, URL_SECONDS) });
  }
  return { urls, urlsExpire };
}
