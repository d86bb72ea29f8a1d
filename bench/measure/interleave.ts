/**
 * Measures each subject once, then each once more, and so on, so that what else
 * the machine does meets all of them. Every other round goes backwards, or the
 * one that follows the loudest would always be the same.
 */
export async function interleave<Name extends string, Measured>(
  subjects: Readonly<Record<Name, (() => Promise<Measured>) | undefined>>,
  repetitions: number,
): Promise<Record<Name, Measured[]>> {
  const names = Object.keys(subjects) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as Measured[]])) as Record<
    Name,
    Measured[]
  >;
  for (let round = 0; round < repetitions; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const measure = subjects[name];
      if (measure !== undefined) measured[name].push(await measure());
    }
  }
  return measured;
}
