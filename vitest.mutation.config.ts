import { defineConfig } from 'vitest/config';
import { CheapestFirst } from './test/mutation/cheapest-first.ts';
import { keptWorkerPool } from './test/mutation/kept-worker.ts';

/** Tests whose subject is src/core, for mutation testing: fast, so that some thousand runs end. */
export default defineConfig({
  plugins: [
    {
      name: 'kept-worker',
      configureVitest({ project }) {
        // Stryker's runner asks for a pool of its own, so this is said here; a lone vitest would wait for the worker.
        if (process.env['STRYKER_MUTATOR_WORKER'] === undefined) return;
        project.config.pool = keptWorkerPool.name;
        project.config.poolRunner = keptWorkerPool;
      },
    },
  ],
  test: {
    include: [
      'test/conformance/vectors-*.test.ts',
      'test/unit/cli/bootstrap-token.test.ts',
      'test/unit/{api,artifacts,controllers-*,enrolment,fleet,host,naming,planner,rollout}/**/*.test.ts',
    ],
    setupFiles: ['test/mutation/mend.ts'],
    sequence: { sequencer: CheapestFirst },
    testTimeout: 0, // Stryker has a limit, too, and tells what ran into it from what failed
    isolate: false,
  },
});
