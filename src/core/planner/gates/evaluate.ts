import type { Block } from './block.ts';
import { channelEdges } from './channel-edges.ts';
import { complianceWave } from './compliance-wave.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { hostEdge } from './host-edge.ts';
import { quarantine } from './quarantine.ts';
import type { Candidate, GateView } from './view.ts';
import { wavePromotion } from './wave-promotion.ts';

type Gate = (view: GateView, candidate: Candidate) => Block | null;

/** The seven gates in the order in which they are asked (planner.md §9). */
const GATES: readonly Gate[] = [
  (view, { channel, targetClosure }) => quarantine(view, channel, targetClosure),
  (view, { channel }) => channelEdges(view, channel),
  (view, { rollout, host }) => wavePromotion(view, rollout, host),
  (view, { rollout, host }) => hostEdge(view, rollout, host),
  (view, { rollout, host }) => disruptionBudget(view, rollout, host),
  (view, { rollout, host }) => complianceWave(view, rollout, host),
];

/** The first gate that holds the candidate, null where it may be dispatched. */
export function evaluateForDispatch(view: GateView, candidate: Candidate): Block | null {
  for (const gate of GATES) {
    const block = gate(view, candidate);
    if (block !== null) return block;
  }
  return null;
}

/** Every gate that holds the candidate, in the same order (D9). */
export function evaluateAllGates(view: GateView, candidate: Candidate): readonly Block[] {
  let blocks: Block[] | undefined;
  for (const gate of GATES) {
    const block = gate(view, candidate);
    if (block !== null) (blocks ??= []).push(block);
  }
  return blocks ?? NO_BLOCKS;
}

const NO_BLOCKS: readonly Block[] = [];
