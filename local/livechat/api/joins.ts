/** LiveChat tells at once that somebody was added, but lets them send only a moment later. */
export interface Joins {
  readonly join: (chatId: string, userId: string, delayMs: number) => void;
  readonly isSettled: (chatId: string, userId: string) => boolean;
}

export const createJoins = (now: () => number): Joins => {
  const settledAt = new Map<string, number>();
  const keyOf = (chatId: string, userId: string) => `${chatId} ${userId}`;

  return {
    join: (chatId, userId, delayMs) => {
      settledAt.set(keyOf(chatId, userId), now() + delayMs);
    },
    isSettled: (chatId, userId) => {
      const key = keyOf(chatId, userId);
      const at = settledAt.get(key);
      if (at !== undefined && at > now()) return false;
      settledAt.delete(key);
      return true;
    },
  };
};
