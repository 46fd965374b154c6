import type { Op } from './op.ts';

/** Operations on signed artifacts (planner.md §1) by their name in the vector files. */
export const ops: Record<string, Op> = {};
