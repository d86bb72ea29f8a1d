import { MAX_PART_URLS } from "../../api/direct-uploads.ts";
import { ClientError } from "../client-error.ts";
import type { OpenUpload, UploadApi } from "./upload-api.ts";

/** Where each part may be PUT. */
export interface PartSigner {
  /** A URL that is good for now; asks for as many as one request gives when it has none. */
  urlOf(number: number): Promise<string>;
  /** The bucket refused its URL, so that it must not be used again. */
  renounce(number: number): void;
}

/** A part takes a while to send: its URL is not begun with shortly before its end. */
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

  /** For `first` and those after it. */
  async function ask(first: number): Promise<void> {
    const later = missing.filter((number) => number > first);
    const numbers = [first, ...later].slice(0, MAX_PART_URLS);
    const { byPart, expire } = await api.signParts(handle, numbers);
    for (const [number, url] of byPart) known.set(number, { url, expire });
  }

  return {
    async urlOf(number) {
      // One that came just now is used whatever our clock says of it, which may be wrong.
      let isFresh = false;
      for (;;) {
        const signed = known.get(number);
        if (signed !== undefined && (isFresh || isGood(signed))) return signed.url;
        if (isFresh) throw new ClientError(`the gateway signs no URL for part ${number}`);
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
