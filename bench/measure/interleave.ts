/** The subjects to measure, by name. `undefined` if a subject is not available. */
type Subjects = Readonly<Record<string, (() => Promise<unknown>) | undefined>>;

type MeasuredOf<Subject> = Subject extends () => Promise<infer Measured> ? Measured : never;

/** The measured values of each subject, one for each round. */
type Interleaved<All> = { [Name in keyof All]: MeasuredOf<All[Name]>[] };

/**
 * Measures all subjects in rounds, so that other work of the machine affects all of
 * them alike. Every second round runs in reverse order. Otherwise the same subject
 * would always run directly after the one that loads the machine most.
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
