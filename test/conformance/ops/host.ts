import type { Op } from './op.ts';

/** Operations of the host room by their name in the vector files. */
export const ops: Record<string, Op> = {};
