import { ops } from './ops/planner.ts';
import { testVectors } from './vectors.ts';

testVectors(ops, ['advance_waves.jsonl.gz', 'gates.jsonl.gz', 'plan_next.jsonl.gz']);
