import { openConnection, type Request } from "./http-connection.ts";

/** The load that `loadRequests` sends. */
export interface LoadToSend {
  readonly url: string;
  /** The requests, sent one after another and then again from the first. */
  readonly requests: readonly Request[];
  readonly status: number;
  readonly connections: number;
  readonly milliseconds: number;
}

/** The number of answered requests, and the time they took. */
export interface LoadAnswered {
  readonly count: number;
  readonly seconds: number;
}

/**
 * Sends requests for `milliseconds`, always one on each connection. Throws if an
 * answer has another status than `status`.
 */
export async function loadRequests(load: LoadToSend): Promise<LoadAnswered> {
  const { url, requests, status, milliseconds } = load;
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => openConnection(url)),
  );
  let count = 0;
  let next = 0;
  const startedAt = performance.now();
  try {
    await Promise.all(
      connections.map(async (connection) => {
        while (performance.now() - startedAt < milliseconds) {
          const request = requests[next++ % requests.length];
          if (request === undefined) throw new RangeError("there are no requests to send");
          const answer = await connection.send(request);
          if (answer.status !== status) {
            throw new Error(`${request.path} was answered ${answer.status}, not ${status}`);
          }
          count++;
        }
      }),
    );
    return { count, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    for (const connection of connections) connection.close();
  }
}
