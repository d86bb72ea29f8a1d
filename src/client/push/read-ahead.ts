/**
 * Yields the same chunks, and always asks for the next one before the reader does, so
 * that both work at the same time.
 */
export async function* readAhead<T>(chunks: AsyncIterable<T>): AsyncGenerator<T> {
  const source = chunks[Symbol.asyncIterator]();
  let next = source.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = source.next();
      // The reader may end before it looks at this chunk. Then its failure is not unhandled.
      next.catch(() => {});
      yield value;
    }
  } finally {
    await source.return?.();
  }
}
