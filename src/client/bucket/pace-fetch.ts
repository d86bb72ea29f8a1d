import type { ProcessContext } from "../process-context.ts";

/** Returns a `fetch` that begins at most `perSecond` requests in a second, evenly spread. */
export function paceFetch(
  { fetch, now, sleep }: Pick<ProcessContext, "fetch" | "now" | "sleep">,
  perSecond: number,
): typeof fetch {
  const pauseMilliseconds = 1000 / perSecond;
  let nextAt = 0;
  return async (...args: Parameters<typeof fetch>) => {
    const time = now().getTime();
    const startsAt = Math.max(time, nextAt);
    nextAt = startsAt + pauseMilliseconds;
    if (startsAt > time) await sleep(startsAt - time);
    return await fetch(...args);
  };
}
