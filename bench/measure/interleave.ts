/** What there is to measure, by name; `undefined` for what is not there. */
type Subjects = Readonly<Record<string, (() => Promise<unknown>) | undefined>>;

type MeasuredOf<Subject> = Subject extends () => Promise<infer Measured> ? Measured : never;

/** By subject, by round. */
type Interleaved<All> = { [Name in keyof All]: MeasuredOf<All[Name]>[] };

/**
 * Measures each subject once, then each once more, and so on, so that what else
 * the machine does meets all of them. Every other round goes backwards, or the
 * one that follows the loudest would always be the same.
 */
export async function interleave<All extends Subjects>(
  subjects: All,
  repetitions: number,
): Promise<Interleaved<All>> {
  const names = Object.keys(subjects);
  const measured: Record<string, unknown[]> = {};
  for (const name of names) measured[name] = [];
  for (let round = 0; round < repetitions; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const measure = subjects[name];
      if (measure !== undefined) measured[name]?.push(await measure());
    }
  }
  return measured as Interleaved<All>;
}
