import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.interceptor.api.HookParams;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.interceptor.executor.InterceptorService;
import ca.uhn.fhir.rest.api.RequestTypeEnum;
import ca.uhn.fhir.rest.api.RestOperationTypeEnum;
import ca.uhn.fhir.rest.api.server.IPreResourceShowDetails;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.api.server.SimplePreResourceShowDetails;
import ca.uhn.fhir.rest.client.api.IClientInterceptor;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.IHttpRequest;
import ca.uhn.fhir.rest.client.api.IHttpResponse;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.servlet.ServletRequestDetails;
import ca.uhn.fhir.storage.interceptor.balp.AsyncMemoryQueueBackedFhirClientBalpSink;
import ca.uhn.fhir.storage.interceptor.balp.BalpAuditCaptureInterceptor;
import ca.uhn.fhir.storage.interceptor.balp.FhirClientBalpSink;
import ca.uhn.fhir.storage.interceptor.balp.IBalpAuditContextServices;
import ca.uhn.fhir.storage.interceptor.balp.IBalpAuditEventSink;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.AuditEvent;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Observation;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Reference;

/**
 * Records reads of patients by HAPI's BALP interceptor and both of its sinks, then reads the events
 * back with HAPI's generic client, all as HAPI has it by default.
 *
 * <p>Reads a line {@code [url, portal token, reader's token, base of the server that is audited]};
 * writes a line with the accepted events; reads any line, once they are published; and writes a
 * line with what the client found.
 */
public class BalpEvents {
  static final ObjectMapper JSON = new ObjectMapper();
  static final FhirContext CONTEXT = FhirContext.forR4();
  static final int SECONDS = 60;

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    JsonNode parameters = JSON.readTree(lines.readLine());
    String url = parameters.get(0).asText();
    String base = parameters.get(3).asText();

    Sent plain = new Sent();
    Sent queued = new Sent();
    Object portal = new BearerTokenAuthInterceptor(parameters.get(1).asText());
    record(new FhirClientBalpSink(CONTEXT, url, List.of(portal, plain)), base, "anna", "nurse-1");
    AsyncMemoryQueueBackedFhirClientBalpSink sink =
        new AsyncMemoryQueueBackedFhirClientBalpSink(CONTEXT, url, List.of(portal, queued));
    record(sink, base, "bert", "nurse-2");
    plain.await(3);
    queued.await(3);
    sink.stop();
    write(Map.of("plain", plain.summary(), "queued", queued.summary()));

    lines.readLine();
    IGenericClient client = CONTEXT.newRestfulGenericClient(url);
    client.registerInterceptor(new BearerTokenAuthInterceptor(parameters.get(2).asText()));
    Map<String, Object> result = new LinkedHashMap<>();
    List<Map<String, Object>> read = new ArrayList<>();
    for (Sent sent : List.of(plain, queued)) {
      for (String location : sent.locations) {
        String id = location.replaceFirst("/_history/.*", "").replaceFirst(".*/", "");
        read.add(about(client.read().resource(AuditEvent.class).withId(id).execute()));
      }
    }
    result.put("read", read);
    result.put("by patient", ids(find(client, "anna").execute()));
    result.put("by absolute patient", ids(find(client, base + "/Patient/anna").execute()));
    result.put("by agent", ids(client.search().forResource(AuditEvent.class)
        .where(AuditEvent.AGENT.hasId("Practitioner/nurse-2"))
        .returnBundle(Bundle.class).execute()));
    List<List<String>> pages = new ArrayList<>();
    Bundle page = find(client, "bert").count(2).execute();
    pages.add(ids(page));
    while (page.getLink(Bundle.LINK_NEXT) != null) {
      page = client.loadPage().next(page).execute();
      pages.add(ids(page));
    }
    result.put("pages", pages);
    write(result);
  }

  /** Records two reads and a search, through the hooks that a HAPI server calls. */
  static void record(IBalpAuditEventSink sink, String base, String patient, String user) {
    InterceptorService hooks = new InterceptorService();
    hooks.registerInterceptor(new BalpAuditCaptureInterceptor(sink, new Users(user)));
    Patient subject = new Patient();
    subject.setId("Patient/" + patient);
    Observation observation = new Observation();
    observation.setId("Observation/" + patient + "-1");
    observation.setSubject(new Reference("Patient/" + patient));
    show(hooks, base, RestOperationTypeEnum.READ, "Patient/" + patient, subject);
    show(hooks, base, RestOperationTypeEnum.READ, "Observation/" + patient + "-1", observation);
    show(hooks, base, RestOperationTypeEnum.SEARCH_TYPE, "Observation", observation);
  }

  static void show(
      InterceptorService hooks,
      String base,
      RestOperationTypeEnum operation,
      String path,
      IBaseResource shown) {
    ServletRequestDetails request = new ServletRequestDetails(hooks);
    request.setServer(new RestfulServer(CONTEXT));
    request.setFhirServerBase(base);
    request.setRequestPath(path);
    request.setCompleteUrl(base + "/" + path);
    request.setRequestType(RequestTypeEnum.GET);
    request.setRestOperationType(operation);
    request.setRequestId(path);
    request.setParameters(Map.of("_count", new String[] {"20"}));
    hooks.callHooks(
        Pointcut.STORAGE_PRESHOW_RESOURCES,
        new HookParams()
            .add(IPreResourceShowDetails.class, new SimplePreResourceShowDetails(shown))
            .add(RequestDetails.class, request)
            .add(ServletRequestDetails.class, request));
  }

  static ca.uhn.fhir.rest.gclient.IQuery<Bundle> find(IGenericClient client, String patient) {
    return client.search().forResource(AuditEvent.class)
        .where(AuditEvent.PATIENT.hasId(patient))
        .returnBundle(Bundle.class);
  }

  static List<String> ids(Bundle bundle) {
    return bundle.getEntry().stream()
        .filter(entry -> entry.getSearch().getMode() == Bundle.SearchEntryMode.MATCH)
        .map(entry -> entry.getResource().getIdElement().getIdPart())
        .toList();
  }

  static Map<String, Object> about(AuditEvent event) {
    return Map.of(
        "id", event.getIdElement().getIdPart(),
        "profile", event.getMeta().getProfile().get(0).getValue(),
        "patients", event.getEntity().stream()
            .filter(entity -> "1".equals(entity.getRole().getCode()))
            .map(entity -> entity.getWhat().getReference())
            .toList());
  }

  static void write(Object what) throws IOException {
    System.out.println(JSON.writeValueAsString(what));
    System.out.flush();
  }

  /** Who uses the server that is audited, and from where. */
  record Users(String user) implements IBalpAuditContextServices {
    @Override
    public Reference getAgentClientWho(RequestDetails request) {
      return new Reference().setDisplay("ward application");
    }

    @Override
    public Reference getAgentUserWho(RequestDetails request) {
      return new Reference("Practitioner/" + user);
    }

    @Override
    public String getNetworkAddress(RequestDetails request) {
      return "192.0.2.7"; // by default: of the servlet's request
    }
  }

  /** The requests of a sink, and the locations of the events in the responses. */
  static class Sent implements IClientInterceptor {
    final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    final List<String> locations = Collections.synchronizedList(new ArrayList<>());
    private final Semaphore accepted = new Semaphore(0);
    private final ThreadLocal<String> request = new ThreadLocal<>();

    @Override
    public void interceptRequest(IHttpRequest sent) {
      request.set(sent.getHttpVerbName());
    }

    @Override
    public void interceptResponse(IHttpResponse response) throws IOException {
      requests.add(request.get() + " " + response.getStatus());
      List<String> header = response.getHeaders("location");
      if (!header.isEmpty()) {
        add(header.get(0));
      } else if ("POST".equals(request.get()) && response.getStatus() == 200) {
        response.bufferEntity();
        for (JsonNode entry : JSON.readTree(response.createReader()).path("entry")) {
          add(entry.path("response").path("location").asText());
        }
      }
    }

    private void add(String location) {
      locations.add(location);
      accepted.release();
    }

    void await(int events) throws InterruptedException {
      if (!accepted.tryAcquire(events, SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("not accepted within " + SECONDS + " s: " + requests);
      }
    }

    Map<String, Object> summary() {
      return Map.of("requests", List.copyOf(requests), "locations", List.copyOf(locations));
    }
  }
}
