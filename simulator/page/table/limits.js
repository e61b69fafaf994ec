/* The modules of what an account is restricted in. */

import * as limits from '../limits.js';

export const limitModules = [
  {
    id: 'WAWebMexFetchReachoutTimelockJob',
    exports: () => ({ mexFetchReachoutTimelock: limits.mexFetchReachoutTimelock }),
  },
  {
    id: 'WAWebMexReachoutTimelockNotificationHandler',
    dependencies: ['WAWebReachoutTimelockUtils'],
    exports: () => ({ handleReachoutTimelockUpdate: limits.handleReachoutTimelockUpdate }),
  },
  {
    id: 'WAWebGetReachoutTimelockJob',
    dependencies: ['WAWebMexFetchReachoutTimelockJob', 'WAWebMexReachoutTimelockNotificationHandler'],
    exports: () => ({ fetchReachoutTimelock: limits.fetchReachoutTimelock }),
  },
  {
    id: 'WAWebReachoutTimelockUtils',
    exports: () => ({
      REACHOUT_TIMELOCK_IDB_KEY: limits.REACHOUT_TIMELOCK_IDB_KEY,
      isUserReachoutTimelocked: limits.isUserReachoutTimelocked,
      isUserReachoutTimelockedAndVisible: limits.isUserReachoutTimelockedAndVisible,
      canSendMsgWhileTimelocked: limits.canSendMsgWhileTimelocked,
    }),
  },
  {
    id: 'WAWebMexFetchNewChatMessageCappingInfoJob',
    exports: () => ({ mexFetchNewChatMessageCapping: limits.mexFetchNewChatMessageCapping }),
  },
];
