/** The id of a rollout (planner.md §4.5): what of which channel. Not a hash of its content. */
export function rolloutIdOf(channel: string, channelRef: string): string {
  return `${channel}@${channelRef}`;
}

/** Takes an id apart at its first `@`; without one the whole is the channel and the ref is empty. */
export function splitRolloutId(id: string): { channel: string; channelRef: string } {
  const at = id.indexOf('@');
  return at < 0
    ? { channel: id, channelRef: '' }
    : { channel: id.slice(0, at), channelRef: id.slice(at + 1) };
}
