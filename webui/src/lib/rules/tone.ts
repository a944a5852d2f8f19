/** How a state feels. Each has a sign of its own, so that colour is never alone in telling it. */
export type Tone = 'ok' | 'busy' | 'attention' | 'bad' | 'unknown' | 'off';
