import { ops } from './ops/rollout.ts';
import { testVectors } from './vectors.ts';

testVectors(ops, ['rollout_step.jsonl.gz', 'rollout_trace.jsonl.gz']);
