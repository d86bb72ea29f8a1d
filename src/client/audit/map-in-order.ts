/**
 * Maps the items, up to `atOnce` of them at a time, and yields the results in the order
 * of the items. It takes the next item only when there is room, so memory stays bounded
 * however many items there are. After a failure it starts no further item.
 */
export async function* mapInOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  atOnce: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R, void> {
  const underWay: Promise<R>[] = [];
  for await (const item of items) {
    const result = map(item);
    // Its failure is thrown when its turn comes. Until then Node must not report it.
    result.catch(() => {});
    underWay.push(result);
    const first = underWay.length < atOnce ? undefined : underWay.shift();
    if (first !== undefined) yield await first;
  }
  for (const result of underWay) yield await result;
}
