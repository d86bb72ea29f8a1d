import { openConnection, type Request } from "./http-connection.ts";

/** Clients that send requests one after the other, until the time is over. */
export interface MixedLoad {
  readonly url: string;
  /** The requests of the readers. Each reader begins at another request of the list. */
  readonly reads: readonly Request[];
  readonly readers: number;
  readonly pushes: readonly Request[];
  readonly pushers: number;
  readonly milliseconds: number;
}

// A gateway refuses uploads above its memory with 503, and clients try again.
const PUSH_STATUSES = [200, 503];

/** Sends the load. Returns the numbers of answers. Throws if one has an unexpected status. */
export async function sendMixedLoad(
  load: MixedLoad,
): Promise<{ readonly reads: number; readonly pushes: number }> {
  const end = performance.now() + load.milliseconds;
  async function client(
    requests: readonly Request[],
    first: number,
    statuses: readonly number[],
  ): Promise<number> {
    const connection = await openConnection(load.url);
    let count = 0;
    while (performance.now() < end) {
      const request = requests[(first + count) % requests.length];
      if (request === undefined) throw new RangeError("there are no requests to send");
      const { status } = await connection.send(request);
      if (!statuses.includes(status)) {
        throw new Error(`${request.path} was answered ${status}, not ${statuses.join(" or ")}`);
      }
      count++;
    }
    connection.close();
    return count;
  }
  const start = (
    clients: number,
    requests: readonly Request[],
    statuses: readonly number[],
  ): Promise<number[]> =>
    Promise.all(Array.from({ length: clients }, (_, index) => client(requests, index, statuses)));
  const [reads, pushes] = await Promise.all([
    start(load.readers, load.reads, [200]),
    start(load.pushers, load.pushes, PUSH_STATUSES),
  ]);
  return { reads: sum(reads), pushes: sum(pushes) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
