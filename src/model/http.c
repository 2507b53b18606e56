#include "model/http.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",     [HTTP_POST] = "POST", [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE",
    [HTTP_PATCH] = "PATCH", [HTTP_HEAD] = "HEAD", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
};

const char *http_method_name(enum http_method m) {
    return method_names[m];
}

enum http_method http_method_of(struct sv name) {
    int at = sv_place(name, method_names, HTTP_OTHER);
    return at >= 0 ? (enum http_method)at : HTTP_OTHER;
}

bool http_add_header(struct http_request *rq, struct sv name, struct sv value) {
    if (rq->n_headers == HTTP_HEADERS_MAX)
        return false;
    rq->headers[rq->n_headers++] = (struct http_header){.name = name, .value = value};
    return true;
}

struct sv http_find_header(const struct http_header *headers, size_t n, struct sv name) {
    for (size_t i = 0; i < n; i++)
        if (sv_eq_nocase(headers[i].name, name))
            return headers[i].value;
    return SV_NONE;
}
