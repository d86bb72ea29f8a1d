export interface FuzzSettings {
  /** For how long each property runs; 0 for the usual number of runs. */
  readonly fuzzSeconds: number;
  readonly fuzzSeed: number | undefined;
}

declare module "vitest" {
  interface ProvidedContext extends FuzzSettings {}
}

/** What `npm run fuzz` asks for; set by `vitest.config.ts` for the tests in workerd. */
export function readFuzzSettings(
  environment: Readonly<Record<string, string | undefined>>,
): FuzzSettings {
  const { FUZZ_SECONDS, FUZZ_SEED } = environment;
  return {
    fuzzSeconds: Number(FUZZ_SECONDS ?? 0),
    fuzzSeed: FUZZ_SEED === undefined ? undefined : Number(FUZZ_SEED),
  };
}
