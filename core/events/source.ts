/** The source of every event that this bridge emits. Send requests may come from any. */
export const eventSource = 'omnichannel.livechat';
