import { PUSH_TOKEN } from "./bench-context.ts";

/** A part, and the URL to send it to. */
export interface PartToSend {
  readonly number: number;
  readonly size: number;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface NarToUpload {
  /** The SHA-256 of the NAR file, in nix32. */
  readonly fileHash: string;
  readonly size: number;
}

interface OpenUpload {
  readonly status: "stored" | "open";
  readonly handle: string;
  readonly partSize: number;
}

interface SignedParts {
  readonly urls: readonly { readonly number: number; readonly url: string }[];
}

const MAX_URLS = 100;

/**
 * Uploads one NAR by the gateway's upload API (docs/http.md), without retries. Throws
 * if the upload fails.
 */
export async function directUpload(
  gatewayUrl: string,
  { fileHash, size }: NarToUpload,
  send: (parts: readonly PartToSend[]) => Promise<void>,
): Promise<{ readonly parts: number }> {
  const call = async (name: string, body: unknown) => {
    const response = await fetch(`${gatewayUrl}/api/v1/uploads${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${PUSH_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${name} answered ${response.status}: ${text}`);
    return text;
  };
  const started = JSON.parse(await call("", { fileHash, size, extension: "" })) as OpenUpload;
  const { status, handle, partSize } = started;
  if (status !== "open")
    throw new Error(`the gateway started the upload with status ${status}, not open`);
  const count = Math.ceil(size / partSize);
  for (let first = 1; first <= count; first += MAX_URLS) {
    const numbers = Array.from(
      { length: Math.min(MAX_URLS, count - first + 1) },
      (_, index) => first + index,
    );
    const signed = JSON.parse(await call("/urls", { handle, parts: numbers })) as SignedParts;
    await send(
      signed.urls.map(({ number, url }) => ({
        number,
        url,
        size: Math.min(partSize, size - (number - 1) * partSize),
      })),
    );
  }
  const lines = (await call("/complete", { handle })).trim().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "{}") as { status?: string };
  if (last.status !== "stored") throw new Error(`the upload ended with ${lines.at(-1)}`);
  return { parts: count };
}
