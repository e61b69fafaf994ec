/* The modules of connection, registration and linking. */

import { account } from '../account.js';
import { decodeBase64, encodeBase64, encodeBase64UrlSafe } from '../bytes.js';
import {
  BackendEvent,
  BackendEventBus,
  Cmd,
  CmdImpl,
  Conn,
  NetworkStatus,
  offlineDelivery,
  Socket,
  SOCKET_STATE,
  SOCKET_STREAM,
  Stream,
  StreamInfo,
  StreamMode,
} from '../connection.js';
import { pairing, refreshQr, startPairingCode } from '../linking.js';
import { options } from '../options.js';
import { mainLoaded } from '../registry.js';
import { BackendWorker, ftsClient, MediaWorker } from '../workers.js';

const { version } = options;

/* Once the main bundle has come and it is known what the phone is. */
const mainAndPlatform = mainLoaded.then(
  () =>
    new Promise((resolve) => {
      if (Conn.platform) resolve();
      else Conn.once('change:platform', resolve);
    }),
);

const altLinking = {
  setPairingType(type) {
    pairing.type = type;
  },
  getPairingType: () => pairing.type,
  async initializeAltDeviceLinking() {
    pairing.type = 'ALT_DEVICE_LINKING';
    pairing.initialised = true;
  },
  async initializeQRLinking() {
    pairing.type = 'QR';
    refreshQr();
  },
  /* To be initialised before each call. */
  async startAltLinkingFlow() {
    if (!pairing.initialised) throw new Error('Invariant Violation: alt linking is not initialised');
    pairing.initialised = false;
    return startPairingCode();
  },
};

export const connectionModules = [
  { id: 'WAWebSocketModel', dependencies: ['WAWebSocketConstants', 'cr:17284'], exports: () => ({ Socket }) },
  { id: 'WAWebConnModel', exports: () => ({ Conn }) },
  { id: 'WAWebStreamModel', exports: () => ({ Stream, StreamMode, StreamInfo }) },
  { id: 'WAWebCmd', exports: () => ({ Cmd, CmdImpl }) },
  {
    id: 'WAWebEventsWaitForMain',
    dependencies: ['WAWebConnModel'],
    exports: () => ({ waitForMain: () => mainAndPlatform }),
  },
  {
    id: 'WAWebBackendWorkerClient',
    exports: () => ({
      startBackendWorker: BackendWorker.start,
      getBackendWorkerBridge: BackendWorker.bridge,
      isBackendWorkerBridgeReady: BackendWorker.isReady,
    }),
  },
  { id: 'WAWebFtsClient', exports: () => ({ ftsClient }) },
  {
    id: 'WAWebMediaWorkerProxy',
    exports: () => ({ prewarmMediaWasmWorker: MediaWorker.prewarm, calculateFilehashInWorker: MediaWorker.hash }),
  },
  { id: 'WAWebBackendEventBus', exports: () => ({ BackendEvent, BackendEventBus }) },
  { id: 'WAWebNetworkStatus', exports: () => ({ default: NetworkStatus }) },
  { id: 'WAWebIsOfficialClient', exports: () => ({ isOfficialClient: true }) },
  {
    id: 'WAWebOfflineHandler',
    exports: () => ({
      OfflineMessageHandler: {
        getOfflineDeliveryProgress() {
          if (offlineDelivery.progress === null) throw new Error('the offline manager does not exist yet');
          return offlineDelivery.progress;
        },
      },
    }),
  },
  {
    id: 'WAWebBuildConstants',
    exports: () => ({
      VERSION_BASE: version,
      VERSION_STR: version,
      SANITIZED_VERSION_STR: version,
      PUSH_PHASE: 'C3',
    }),
  },
  {
    id: 'WABase64',
    exports: () => ({
      encodeB64: encodeBase64,
      decodeB64: decodeBase64,
      encodeB64UrlSafe: encodeBase64UrlSafe,
    }),
  },
  {
    id: 'WAWebCompanionRegClientUtils',
    exports: () => ({ DEVICE_PLATFORM: '1', getCompanionWebClientFromBrowser: () => 1 }),
  },
  {
    id: 'WAWebAdvSignatureApi',
    exports: () => ({
      getADVSecretKey: async () => account.keys.advSecret,
      setADVSignedIdentity() {},
      generateADVSecretKey() {},
      clearADVSecretKey() {},
    }),
  },
  {
    id: 'WAWebUserPrefsMultiDevice',
    exports: () => ({
      getADVSecretKey: () => account.keys.advSecret,
      isRegistered: () => account.isLinked(),
      setADVSecretKey() {},
    }),
  },
  {
    id: 'WAWebUserPrefsInfoStore',
    exports: () => ({
      waNoiseInfo: { get: async () => ({ staticKeyPair: { pubKey: account.keys.noisePublic } }) },
    }),
  },
  {
    id: 'WAWebSignalStoreApi',
    exports: () => ({
      waSignalStore: {
        getRegistrationInfo: async () => ({
          registrationId: account.keys.registrationId,
          identityKeyPair: { pubKey: account.keys.identityPublic },
        }),
      },
    }),
  },
  { id: 'WAWebUserPrefsIsLoggedIn', exports: () => ({ isLoggedIn: () => account.isLinked() }) },
  {
    id: 'WAWebUserPrefsMeUser',
    exports: () => ({
      getMaybeMePnUser: () => account.wid() ?? undefined,
      getMaybeMeLidUser: () => account.lid(),
      getMaybeMeUser: () => account.wid(),
      getMaybeMeDevicePn: () => account.deviceWid(),
      getMeUser: () => account.wid(),
      getMePnUserOrThrow_DO_NOT_USE: () => account.wid(),
      getMeLidUserOrThrow: () => account.lid(),
      getMaybeMeDisplayName: () => account.identity?.name,
      isMeAccount: (wid) => account.isMe(wid),
    }),
  },
  {
    id: 'WAWebMiscBrowserUtils',
    exports: () => ({
      info: () => ({ os: 'Linux', name: 'Chrome', version: '156' }),
      hardRefresh: () => location.reload(),
    }),
  },
  {
    id: 'WAWebLaunchSocketUtils',
    dependencies: ['WAWebSocketModel'],
    exports: () => ({ refreshQR: refreshQr }),
  },
  { id: 'WAWebAltDeviceLinkingApi', dependencies: ['WAWebConnModel'], exports: () => altLinking },
  {
    id: 'WAWebAltDeviceLinkingUtils',
    dependencies: ['WAWebAltDeviceLinkingApi'],
    exports: () => ({ genLinkDeviceCodeForPhoneNumber: altLinking.startAltLinkingFlow }),
  },
  { id: 'WAWebSocketConstants', exports: () => ({ SOCKET_STATE, SOCKET_STREAM }) },
  {
    id: 'WAWebLogoutReasonUtils',
    exports: () => ({
      getErrorCodeFromLogoutReason: () => 0,
      setPrevLogoutReasonCode() {},
      getPrevLogoutReasonCode() {},
      setPrevCustomLogoutMessage() {},
      getPrevCustomLogoutMessage() {},
    }),
  },
];
