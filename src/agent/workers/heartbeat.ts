/** POST /v1/agent/heartbeat as an agent does it (agent-protocol.md §1.3, §3.3, §3.9). */
import { heartbeatResponseSchema } from '../../api/wire/heartbeat.ts';
import type { HostRolloutSnapshot } from '../../api/wire/snapshot.ts';
import { decode } from '../../core/host/wire.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { AgentPart } from '../feed.ts';
import { messageOf } from '../feed.ts';
import { repeat } from './repeat.ts';

const REPLAY_HEADER = 'x-nixfleet-replay-from';

/** Heartbeats once a minute and hands every snapshot to the reducer. */
export async function runHeartbeats(parts: AgentParts): Promise<void> {
  const { constants, reducer } = parts;
  await repeat(parts.clock, parts.signal, async () => {
    const snapshots = await heartbeat(parts, 'heartbeat', constants.heartbeatTimeout);
    if (snapshots === undefined) return constants.heartbeatErrorPause;
    for (const snapshot of snapshots) reducer.applySnapshot(snapshot);
    return constants.heartbeatEvery;
  });
}

/** One heartbeat: the snapshots it brought, or undefined where it failed, which is reported. */
export async function heartbeat(
  parts: AgentParts,
  part: AgentPart,
  timeout: number,
): Promise<HostRolloutSnapshot[] | undefined> {
  const { client, machine, report, signal, now } = parts;
  try {
    const body = {
      hostname: machine.hostname,
      ...rolloutIdToSend(parts),
      current_closure: machine.closure,
      at: now(),
    };
    const answer = await client.post('/v1/agent/heartbeat', body, { timeout, signal });
    if (answer.status !== 200) throw new Error(`heartbeat answered ${answer.status}`);
    const decoded = decode(heartbeatResponseSchema, JSON.parse(answer.body.toString('utf8')));
    if (!decoded.ok) throw new Error(`heartbeat answer: ${decoded.message}`);
    const snapshots = decoded.value.bootstrap_rollouts ?? [];
    report({ type: 'heartbeat', snapshots: snapshots.length });
    await replay(parts, answer.headers[REPLAY_HEADER]);
    return snapshots;
  } catch (error) {
    if (!signal.aborted) report({ type: 'error', part, message: messageOf(error) });
    return undefined;
  }
}

/** The real agent never names a rollout, so it is never told to replay (quirk 2). */
function rolloutIdToSend({ quirks, reducer }: AgentParts): { rollout_id?: string } {
  const newest = reducer.records().at(-1);
  return quirks.ignoresReplayFrom || newest === undefined ? {} : { rollout_id: newest.rolloutId };
}

async function replay(parts: AgentParts, header: string | string[] | undefined): Promise<void> {
  const { rollout_id: rolloutId } = rolloutIdToSend(parts);
  if (typeof header === 'string' && rolloutId !== undefined) {
    await parts.outbox.replay(rolloutId, Number(header));
  }
}
