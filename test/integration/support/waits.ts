import { expect } from 'vitest';
import type { OperatorRoom } from './operator-room.ts';

/** Waits until exactly these gates hold a host, in this order. */
export async function untilGates(room: OperatorRoom, host: string, gates: readonly string[]): Promise<void> {
  await expect.poll(() => room.gates(host)).toEqual(gates);
}

/** Waits until the newest record of a host is in a state. */
export async function untilState(room: OperatorRoom, host: string, state: string): Promise<void> {
  await expect.poll(() => room.state(host)).toBe(state);
}

/** Waits until the running rollout of a channel is in a state. */
export async function untilRollout(room: OperatorRoom, state: string, channel = 'stable'): Promise<void> {
  await expect.poll(async () => (await room.rollout(channel))?.status?.state).toBe(state);
}

/** Waits until a condition of the Fleet reads `Status Reason`. */
export async function untilFleet(room: OperatorRoom, type: string, reads: string): Promise<void> {
  await expect
    .poll(async () => {
      const condition = (await room.fleet()).status?.conditions?.find((each) => each.type === type);
      return `${condition?.status ?? ''} ${condition?.reason ?? ''}`;
    })
    .toBe(reads);
}

/** Waits until a host is marked: the next poll gets its dispatch. */
export async function untilMarked(room: OperatorRoom, host: string): Promise<void> {
  await expect.poll(async () => (await room.record(host))?.status?.dispatch?.queuedAt).toBeDefined();
}
