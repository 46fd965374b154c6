import { ops } from './ops/host.ts';
import { testVectors } from './vectors.ts';

testVectors(ops, ['host_step.jsonl.gz', 'host_trace.jsonl.gz', 'misc.jsonl']);
