/** The exit code of a level of tests that was not run, as automake has it. */
const EXIT_SKIPPED = 77;

/** Says loudly why a level does not run here, and sets the exit code that scripts/test-all.ts counts as skipped. */
export function skipLevel(level: string, reason: string): void {
  console.error(`\n*** SKIPPED: the level "${level}" does not run here: it ${reason}\n`);
  process.exitCode = EXIT_SKIPPED;
}
