import { MAX_PART_URLS } from "../../api/direct-uploads.ts";
import { ClientError } from "../client-error.ts";
import type { OpenUpload, UploadApi } from "./upload-api.ts";

/** Supplies the URLs to which the parts of one upload are PUT. */
export interface PartSigner {
  /**
   * Returns a valid URL for a part. If it has none, it asks the gateway for as many
   * URLs as one request gives.
   */
  urlOf(number: number): Promise<string>;
  /** Forgets the URL of a part, because the bucket refused it. */
  renounce(number: number): void;
}

/** Sending a part takes time, so a URL is not used in its last minute. */
const MARGIN_MILLISECONDS = 60_000;

interface SignedUrl {
  readonly url: string;
  readonly expire: Date;
}

export function createPartSigner(
  { handle, urls }: Pick<OpenUpload, "handle" | "urls">,
  missing: readonly number[],
  api: Pick<UploadApi, "signParts">,
  now: () => Date,
): PartSigner {
  const known = new Map<number, SignedUrl>();
  for (const [number, url] of urls.byPart) known.set(number, { url, expire: urls.expire });
  let asking: Promise<void> | undefined;

  function isGood({ expire }: SignedUrl): boolean {
    return !(expire.getTime() - now().getTime() < MARGIN_MILLISECONDS);
  }

  /** Asks for the URLs of `first` and of the missing parts after it. */
  async function ask(first: number): Promise<void> {
    const later = missing.filter((number) => number > first);
    const numbers = [first, ...later].slice(0, MAX_PART_URLS);
    const { byPart, expire } = await api.signParts(handle, numbers);
    for (const [number, url] of byPart) known.set(number, { url, expire });
  }

  return {
    async urlOf(number) {
      // A URL that has just arrived is used even if it looks expired, because our clock may be
      // wrong.
      let isFresh = false;
      for (;;) {
        const signed = known.get(number);
        if (signed !== undefined && (isFresh || isGood(signed))) return signed.url;
        if (isFresh)
          throw new ClientError(
            `the gateway returned no URL for part ${number}. Run nargate doctor, which compares the versions of the cache and of this command`,
          );
        const isOurs = asking === undefined;
        asking ??= ask(number).finally(() => {
          asking = undefined;
        });
        await asking;
        isFresh = isOurs || known.has(number);
      }
    },
    renounce(number) {
      known.delete(number);
    },
  };
}
