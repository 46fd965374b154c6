import { defineConfig } from 'vitest/config';

/** Tests whose subject is src/core, for mutation testing: fast, so that some thousand runs end. */
export default defineConfig({
  test: {
    include: [
      'test/conformance/vectors-*.test.ts',
      'test/unit/cli/bootstrap-token.test.ts',
      'test/unit/{api,artifacts,controllers-*,enrolment,fleet,host,naming,planner,rollout}/**/*.test.ts',
    ],
    pool: 'forks',
    testTimeout: 20_000,
    isolate: false, // a worker per file would cost each mutant more than its tests
  },
});
