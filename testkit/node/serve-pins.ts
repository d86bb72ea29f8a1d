import { GATEWAY_FACTS } from "./gateway-facts.ts";
import { answerJson, readBody, serve } from "./serve.ts";

export type PinAnswer = readonly [status: number, body: unknown];

/** What a gateway says of a request that it refuses. */
export const refusal = (code: string, message: string) => ({
  error: { code, message, requestId: "r" },
});

/** The answer of a gateway that has pinned a path. */
export const PINNED: PinAnswer = [200, { kept: 2, dropped: 1 }];

/** The answer of a gateway that is older than pins. */
export const NO_PINS: PinAnswer = [
  404,
  refusal("no-such-endpoint", "The API of this cache has no such path."),
];

export interface PinServer {
  readonly url: string;
  /** The bodies that were sent to the endpoints of pins. */
  readonly sent: unknown[];
}

/** Serves a cache that answers every request about pins in this way, and has these objects. */
export async function servePins(
  [status, body]: PinAnswer,
  objects: Readonly<Record<string, string>> = {},
): Promise<PinServer> {
  const sent: unknown[] = [];
  const url = await serve(async (request, response) => {
    const bytes = await readBody(request);
    const target = request.url ?? "";
    const object = objects[target.slice(1)];
    if (target === "/api/v1/cache") answerJson(response, GATEWAY_FACTS);
    else if (target === "/api/v1/token") {
      answerJson(response, { name: "ci", scopes: ["push"], expires: null });
    } else if (target.startsWith("/api/v1/pins")) {
      if (bytes.length > 0) sent.push(JSON.parse(bytes.toString()));
      answerJson(response, body, status);
    } else if (object !== undefined) response.end(object);
    else response.writeHead(request.method === "PUT" ? 200 : 404).end();
  });
  return { url, sent };
}
