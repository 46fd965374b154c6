import { ops } from './ops/artifacts.ts';
import { testVectors } from './vectors.ts';

testVectors(ops, ['canonical_json.jsonl', 'misc.jsonl', 'projection.jsonl', 'verify.jsonl.gz']);
