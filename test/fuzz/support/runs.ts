/**
 * Cases per property: some hundreds in `make test`, as many as one likes with `FUZZ_RUNS`. A failure prints seed and
 * path; `FUZZ_SEED` begins from one.
 */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 200);
const SEED = process.env['FUZZ_SEED'];

/** Parameters for `fc.assert`; `share` scales the number of cases where one costs more or less than usual. */
export function runs(share = 1): { numRuns: number; seed?: number } {
  return {
    numRuns: Math.max(1, Math.round(RUNS * share)),
    ...(SEED !== undefined && { seed: Number(SEED) }),
  };
}

/** The time limit of one property, in milliseconds. */
export const LIMIT_MS = process.env['FUZZ_RUNS'] === undefined ? 90_000 : 24 * 3_600_000;
